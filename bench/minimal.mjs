// The least that restores disks at all, for comparison: no state, no look before, no safety; a lost answer loses it.
// Environment: VBS (its address with the project), JOBS, TOKEN, DISKS (JSON of [disk, backup]), PARALLELISM, POLL_MS.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { VBS, JOBS, TOKEN, DISKS, PARALLELISM, POLL_MS } = process.env;
const agent = new http.Agent({ keepAlive: true });

function call(method, url, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'X-Auth-Token': TOKEN, 'Content-Type': 'application/json' };
    const request = http.request(url, { method, headers, agent }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(JSON.parse(text)));
    });
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

const disks = JSON.parse(DISKS).values();
async function worker() {
  for (const [volume_id, backup] of disks) {
    const { job_id } = await call('POST', `${VBS}/${backup}/restore`, { restore: { volume_id } });
    for (;;) {
      await sleep(Number(POLL_MS));
      const { status } = await call('GET', `${JOBS}/${job_id}`);
      if (status === 'SUCCESS') break;
      if (status === 'FAIL') throw new Error(`${volume_id} failed`);
    }
  }
}
await Promise.all(Array.from({ length: Number(PARALLELISM) }, worker));
process.exit(0);
