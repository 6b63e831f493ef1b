import { ELSEWHERE, SetUpError } from './set-up-error.ts';

const SUPPORTED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'];

/** @throws SetUpError on a system that the private servers, and Temporal's SDK, have no programs for */
export function assertSupported(system = `${process.platform}-${process.arch}`, musl = isMusl()): void {
  if (SUPPORTED.includes(system) && !musl) return;
  throw new SetUpError(
    `Private servers run on Linux with glibc and macOS (x64, arm64) and Windows (x64); this is ${system}${musl ? ' with musl' : ''}. ${ELSEWHERE.replace('Or run', 'Run')}`,
  );
}

/** Node tells the version of glibc in its diagnostic report, and none where it was built for musl. */
function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  Object.assign(process.report, { excludeNetwork: true }); // else the names of all peers are looked up
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}
