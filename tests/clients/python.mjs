// Virtual environments for clients in Python, each with the versions of a requirements.txt.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Creates the environment of a folder in `NAME`, unless it is there with the same requirements. Returns its path, and the
 * reason if that is impossible, else null.
 */
export function environment(folder, name) {
  const venv = join(import.meta.dirname, name);
  const run = (program, ...args) => spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  const wanted = readFileSync(join(folder, 'requirements.txt'), 'utf8');
  const made = join(venv, 'requirements.txt');
  if (existsSync(made) && readFileSync(made, 'utf8') === wanted) return { venv, reason: null };
  if (run('python3', '-m', 'venv', '--clear', venv).status !== 0) return { venv, reason: 'python3 with venv is not there' };
  const installed = run(join(venv, 'bin/pip'), 'install', '--quiet', '-r', 'requirements.txt');
  if (installed.status !== 0) {
    return { venv, reason: `packages cannot be installed: ${installed.stderr.trim().split('\n').at(-1)}` };
  }
  writeFileSync(made, wanted);
  return { venv, reason: null };
}
