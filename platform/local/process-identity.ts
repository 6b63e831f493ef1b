import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process told apart from any that later gets the same pid: by when it started and what it runs. */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
  commandLine: string;
}

/** The identity of a living process, or null when there is none with this pid (or only its zombie). */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return null;
  }
  if (process.platform === 'linux') return identifyOnLinux(pid);
  return process.platform === 'win32' ? identifyOnWindows(pid) : identifyWithPs(pid);
}

/** Whether the process that was identified still lives, whatever title it has given itself since. */
export async function isAlive(known: ProcessIdentity): Promise<boolean> {
  return (await identify(known.pid))?.startedAt === known.startedAt;
}

/** Whether the process lives and still runs the same command: what must hold before it is ended. */
export async function isUnchanged(known: ProcessIdentity): Promise<boolean> {
  const now = await identify(known.pid);
  return now?.startedAt === known.startedAt && now.commandLine === known.commandLine;
}

/** The pids of a process's children. Empty where the system does not tell. */
export async function childrenOf(pid: number): Promise<number[]> {
  const pairs = process.platform === 'linux' ? await pairsOnLinux() : await pairsWithPs();
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child);
}

/** The start is in ticks since boot; the boot's id makes it unique across restarts of the machine. */
async function identifyOnLinux(pid: number): Promise<ProcessIdentity | null> {
  try {
    const [stat, commandLine, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    ]);
    const fields = fieldsAfterName(stat);
    if (fields[0] === 'Z') return null;
    return { pid, startedAt: `${boot.trim()}/${fields[19]}`, commandLine: commandLine.split('\0').join(' ').trim() };
  } catch {
    return null;
  }
}

/** /proc/PID/stat from its third field on, the state; the second, a name in brackets, may itself hold spaces and brackets. */
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function pairsOnLinux(): Promise<[number, number][]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return pids.map((pid, at) => [Number(pid), Number(fieldsAfterName(stats[at] ?? '')[1])]);
}

const run = promisify(execFile);

async function identifyWithPs(pid: number): Promise<ProcessIdentity | null> {
  const ask = async (column: string) => (await run('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)])).stdout.trim();
  try {
    const [state, startedAt, commandLine] = await Promise.all([ask('stat'), ask('lstart'), ask('command')]);
    return state.startsWith('Z') ? null : { pid, startedAt, commandLine };
  } catch {
    return null;
  }
}

async function pairsWithPs(): Promise<[number, number][]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').map((line) => {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    return [pid ?? 0, parent ?? 0];
  });
}

async function identifyWindowsScript(pid: number): Promise<string> {
  const find = `$p = Get-CimInstance Win32_Process -Filter 'ProcessId = ${pid}'`;
  const tell = `if ($p) { $p.CreationDate.ToUniversalTime().ToString('o'); $p.CommandLine }`;
  return (await run('powershell', ['-NoProfile', '-NonInteractive', '-Command', `${find}; ${tell}`])).stdout;
}

async function identifyOnWindows(pid: number): Promise<ProcessIdentity | null> {
  const [startedAt, ...rest] = (await identifyWindowsScript(pid).catch(() => '')).trim().split(/\r?\n/);
  return startedAt ? { pid, startedAt, commandLine: rest.join(' ').trim() } : null;
}
