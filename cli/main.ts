import { cliSettings } from '../platform/config-client.ts';
import { EXIT, oneLine } from './errors.ts';
import { run } from './run.ts';

/** The command `vouchsafe`. @param argv the arguments alone, without node and script; sets the process's exit code */
export async function main(argv: string[]): Promise<void> {
  // A reader that has seen enough, such as head, closes the pipe; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    process.stderr.write(`vouchsafe: the output cannot be written: ${oneLine(error.message)}\n`);
    process.exit(EXIT.refused);
  });
  const { stdin, stdout, stderr } = process;
  process.exitCode = await run(argv, { stdin, stdout, stderr, settings: cliSettings });
}
