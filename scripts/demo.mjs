// `npm run demo`: the main job against the built-in cloud, with a gateway that misbehaves. Everything it shows is
// the built program talking HTTP to another process; everything it writes is in .vbsctl/demo.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const vbsctl = join(root, 'dist/vbsctl.cjs');
const place = join(root, '.vbsctl/demo');
rmSync(place, { recursive: true, force: true });
mkdirSync(place, { recursive: true });
cpSync(join(root, 'examples/demo'), place, { recursive: true });

const cloud = await startCloud();
try {
  title('1. The plan: what is declared, against what the cloud and the state say');
  run('plan');
  title('2. Apply: a gateway loses answers, resets connections and is busy');
  // by name: on a CI machine a state in a file is refused otherwise, and this one is only for show
  run('apply', '--auto-approve', '--init-state', '--state', 'vbsctl.state.json');
  title('3. What the cloud says really happened to each disk');
  await audit(cloud.url);
  title('4. The second plan: nothing to do');
  run('plan', '--detailed-exitcode');
  title('5. Where the state lies');
  run('state', 'list');
  console.log(`\n${join(place, 'vbsctl.state.json')}`);
} finally {
  cloud.process.kill();
}

function run(...args) {
  console.log(`$ vbsctl ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [vbsctl, ...args], {
    cwd: place,
    // named: in a pipeline, a config that is merely found is a pull request's
    // what a user's vbsctl remembers of states, too, lies with the demo: a second one begins from nothing as well
    env: {
      ...process.env,
      ...cloud.env,
      VBSCTL_CONFIG: 'vbsctl.yaml',
      XDG_STATE_HOME: join(place, 'user-state'),
    },
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`vbsctl ${args[0]} ended with ${status}`);
}

async function startCloud() {
  const child = spawn(
    process.execPath,
    [
      vbsctl,
      'emulator',
      '--port',
      '0',
      '--quiet',
      '--faults',
      join(root, 'scripts/demo-faults.json'),
      '--job-duration',
      '3s',
      '--queue',
      '500ms',
    ],
    { cwd: place, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    if (text.includes('/__emulator/audit')) break;
  }
  const env = Object.fromEntries(
    [...text.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  return { process: child, env, url: env.OS_AUTH_URL.replace(/\/v3$/, '') };
}

async function audit(url) {
  const { volumes, restores, faults } = await (await fetch(`${url}/__emulator/audit`)).json();
  const rows = volumes
    .filter((volume) => volume.restores_started > 0)
    .map((volume) => ({
      disk: volume.name,
      'restores started': volume.restores_started,
      'holds backup': volume.content,
      'client was informed': restores.find((r) => r.volume_id === volume.id).client_informed
        ? 'yes'
        : 'no, the answer was lost',
    }));
  console.table(rows);
  console.log(
    `${faults.length} faults were injected. No disk was restored twice: ${rows.every((r) => r['restores started'] === 1)}`,
  );
  if (rows.length !== 5 || rows.some((r) => r['restores started'] !== 1))
    throw new Error('the demo did not do its job');
}

function title(text) {
  console.log(`\n\u2500\u2500 ${text}\n`);
}
