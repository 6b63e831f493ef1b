import { ConfigError } from '../platform/config.ts';
import { apart } from './apart.ts';
import { flash } from './flash.ts';
import { floor } from './floor.ts';
import { generate } from './generate.ts';
import { growth } from './growth.ts';
import { guessFlood } from './guess-flood.ts';
import { hot } from './hot.ts';
import { latency } from './latency.ts';
import { naive } from './naive.ts';
import { open } from './open.ts';
import { type Bench, readArguments } from './options.ts';
import { read } from './read.ts';
import { redeem } from './redeem.ts';
import { relay } from './relay.ts';
import { replay } from './replay.ts';
import { scale } from './scale.ts';
import { withStage } from './stage.ts';

const benches: Record<string, Bench> = {
  redeem,
  floor,
  naive,
  latency,
  open,
  hot,
  flash,
  replay,
  scale,
  apart,
  read,
  relay,
  generate,
  growth,
  'guess-flood': guessFlood,
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `npm run bench -- NAME [options]`: progress on standard error; last on standard output, the result as one JSON line. */
export async function main(argv: string[]): Promise<void> {
  const { name, bench, options } = readArguments(argv, benches);
  const stop = new AbortController();
  for (const signal of SIGNALS) process.on(signal, () => stop.abort(new ConfigError(`stopped by ${signal}`)));
  const result = await withStage(stop.signal, (stage) => bench.run(stage, options));
  const line = `${JSON.stringify({ bench: name, ...result })}\n`;
  // Native handles of the Temporal SDK may keep a process alive that has nothing left to do.
  process.stdout.write(line, () => process.exit(0));
}
