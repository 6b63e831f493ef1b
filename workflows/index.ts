/** Every workflow of the service, as bundled for its workers. */
export { generate } from './generate.ts';
export { probe } from './probe.ts';
export { redeem } from './redeem.ts';
export { reverse } from './reverse.ts';
export { sweep } from './sweep.ts';
