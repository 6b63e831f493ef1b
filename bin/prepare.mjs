// What every command of this folder does first: check Node, install the dependencies when they are missing or not those of
// package-lock.json, and bundle its TypeScript. Nothing here may need a dependency before that.
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The checkout this file belongs to. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where the TypeScript is. */
const SOURCES = ['activities', 'api', 'bench', 'cli', 'domains', 'platform', 'workers', 'workflows'];

/**
 * Makes this process ready to load a program of the checkout, or ends it with one clear message.
 * @param {{ dev?: boolean, quiet?: boolean }} options dev: the tools of tests and benches are needed too; quiet: standard
 * output stays free for the command's own
 */
export async function prepare({ dev = false, quiet = false } = {}) {
  checkNode();
  if (!isInstalled(dev)) install(dev, quiet);
}

/**
 * Imports a program of the checkout, bundled into one file of JavaScript: it starts faster than from its sources, and
 * holds 60 MB less. The file is kept in `dist/` until a source changes. Sources find what they read relative to a folder
 * of the checkout, which `dist/` is as well.
 * @param {string} entry its TypeScript file, from the checkout
 */
export async function load(entry) {
  return await import(pathToFileURL(await bundle(entry)).href);
}

/** @returns {Promise<string>} the path of a program's bundle, made if there is none, also by several at once */
export async function bundle(entry) {
  const name = entry.replace(/\.ts$/, '').replaceAll('/', '-');
  const folder = join(root, 'dist');
  const file = join(folder, `${name}.${sourceDigest()}.mjs`);
  if (existsSync(file)) return file;
  const { build, stop } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
  });
  // Else its process stays for as long as this one.
  await stop();
  mkdirSync(folder, { recursive: true });
  const unfinished = join(folder, `${name}.${randomUUID()}.unfinished`);
  writeFileSync(unfinished, outputFiles[0].contents);
  renameSync(unfinished, file);
  // This one stays, although another process may have made it as well, and be about to load it.
  const isOlder = (other) => other.startsWith(`${name}.`) && other.endsWith('.mjs') && other !== basename(file);
  for (const other of readdirSync(folder).filter(isOlder)) rmSync(join(folder, other), { force: true });
  return file;
}

function sourceDigest() {
  const hash = createHash('sha256');
  for (const folder of SOURCES.filter((name) => existsSync(join(root, name)))) {
    const files = readdirSync(join(root, folder), { recursive: true });
    for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).sort()) {
      hash.update(`${folder}/${file}\n`).update(readFileSync(join(root, folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Errors whose message is all that the user needs. */
const MESSAGES = ['SetUpError', 'PortTaken', 'ConfigError'];

/** Runs a command's main function; what it throws ends the process, a message for the user without its stack. */
export async function run(main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(MESSAGES.includes(error?.name) ? error.message : error);
    process.exit(1);
  }
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [major, minor] = engines.node
    .match(/(\d+)\.(\d+)/)
    .slice(1)
    .map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  fail(
    `Vouchsafe needs Node.js ${major}.${minor} or newer; this is ${process.versions.node}. Get one from https://nodejs.org.`,
  );
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm keeps its own lock file of what it installed, without the
 * optional packages of other platforms, and without the development tools where these were left out.
 */
function isInstalled(dev) {
  const wanted = packagesOf('package-lock.json');
  const installed = packagesOf(join('node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(([path, entry]) => {
    const there = installed[path];
    if (there) return there.version === entry.version && there.integrity === entry.integrity;
    return path === '' || entry.optional || entry.devOptional || entry.peer || (entry.dev && !dev);
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return {};
  }
}

function install(dev, quiet) {
  console.error('Installing the dependencies (npm ci), once; this takes a minute or two');
  const args = ['ci', '--no-audit', '--no-fund', ...(dev ? ['--include=dev'] : [])];
  const windows = process.platform === 'win32'; // where npm is a script, which needs a shell
  const { status, error } = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', quiet ? 2 : 'inherit', 'inherit'],
    shell: windows,
  });
  if (error) fail(`npm, which comes with Node.js, cannot be run (${error.message}). Put it on PATH and start again.`);
  if (status !== 0)
    fail(
      '`npm ci` failed, for the reason above. It needs the network once and write access to node_modules; then start again.',
    );
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
