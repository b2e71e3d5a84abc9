// Asks a Puppet Server for catalogs as an agent does, without an agent: that many make the server's code warm in a time that can be waited for.

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { Failure } from '../../scripts/project.mjs';

/**
 * Asks for a catalog so many times, one after the other.
 *
 * @param server as `startServer` returns it
 * @param facts of the node, by name
 * @see https://www.puppet.com/docs/puppet/7/http_api/http_catalog.html
 */
export async function askForCatalogs(server, environment, facts, count) {
  const { certname, port, agentSsl } = server;
  const read = (...path) => readFileSync(join(agentSsl, ...path));
  const body = new URLSearchParams({
    environment,
    facts_format: 'application/json',
    facts: encodeURIComponent(JSON.stringify({ name: certname, values: facts })),
  });
  const options = {
    host: 'localhost',
    port,
    path: `/puppet/v3/catalog/${certname}?environment=${environment}`,
    method: 'POST',
    headers: { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' },
    ca: read('certs/ca.pem'),
    cert: read(`certs/${certname}.pem`),
    key: read(`private_keys/${certname}.pem`),
  };
  for (let asked = 0; asked < count; asked += 1) await ask(options, body.toString());
}

function ask(options, body) {
  return new Promise((resolve, reject) => {
    const asked = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Failure(`the server has no catalog: ${answer.statusCode} ${text}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
