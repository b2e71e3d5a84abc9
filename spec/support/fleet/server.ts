import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { boot, type Container } from '../container/container.ts';
import { installCommon, installModule } from '../container/modules.ts';
import type { Network } from '../container/network.ts';
import { SERVER } from './names.ts';

/** A Puppet Server with PuppetDB on PostgreSQL, as Debian has them, in one container. */
export interface FleetServer {
  readonly box: Container;
  /** Sets the catalogs of all hosts from now on: the text of `site.pp`, and their Hiera data. The server must be up. */
  serve(manifest: string, hieraData: string): Promise<void>;
  /** The answer of PuppetDB to a query in its language PQL. */
  query<T>(pql: string): Promise<T[]>;
}

const ENVIRONMENT = '/etc/puppet/code/environments/production';
const REQUEST_LOGGING = '/etc/puppet/puppetserver/request-logging.xml';
const SSL = '/var/lib/puppet/ssl';
const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** The machine may be busy with other tests. */
export const START_MS = 15 * 60_000;

/** For a server that serves some hosts for some minutes: half the work to start, and no more memory than that takes. */
const JAVA = '-XX:+UseSerialGC -XX:TieredStopAtLevel=1';

/** Boots one and waits until it serves: about a minute and a half on a quiet machine. */
export async function openFleetServer(network: Network): Promise<FleetServer> {
  const packages = ['puppetserver', 'puppetdb', 'puppet-terminus-puppetdb', 'postgresql', 'curl'];
  const box = await boot({ system: 'host', hostname: 'puppet', packages });
  try {
    await network.join(box, SERVER.address);
    configure(box);
    const sh = (line: string) => box.exec(['sh', '-ec', line], { timeoutMs: START_MS });
    await sh(PREPARE);
    installCommon(box);
    installModule(box, join(repository, 'examples/cluster'), { name: 'cluster' });
    await sh('systemctl start puppetdb');
    await startServer(box);
    return serverOf(box);
  } catch (error) {
    await box.powerOff();
    throw error;
  }
}

/** Starts its Puppet Server, or says what that has logged. */
export async function startServer(box: Container): Promise<void> {
  const start =
    'systemctl start puppetserver || { journalctl --unit=puppetserver --lines=40 --output=cat >&2; exit 1; }';
  await box.exec(['sh', '-c', start], { timeoutMs: START_MS });
}

function serverOf(box: Container): FleetServer {
  return {
    box,
    async serve(manifest, hieraData) {
      box.writeFile(`${ENVIRONMENT}/hiera.yaml`, HIERA);
      box.writeFile(`${ENVIRONMENT}/data/all.yaml`, hieraData);
      box.writeFile(`${ENVIRONMENT}/manifests/site.pp`, manifest);
      await box.exec(['curl', '--silent', '--show-error', '--fail', ...FORGET]);
    },
    async query(pql) {
      const url = 'http://127.0.0.1:8080/pdb/query/v4';
      const { stdout } = await box.exec(['ruby', '-rnet/http', '-rjson', '-e', QUERY, url, pql]);
      return JSON.parse(stdout);
    },
  };
}

function configure(box: Container): void {
  box.writeFile('/etc/hosts', `127.0.0.1 localhost\n${SERVER.address} ${SERVER.name} puppet\n`);
  box.writeFile(
    '/etc/puppet/puppet.conf',
    `[main]
certname = ${SERVER.name}
server = ${SERVER.name}
keylength = 2048
[server]
autosign = true
storeconfigs = true
storeconfigs_backend = puppetdb
reports = puppetdb
environment_timeout = unlimited
`,
  );
  box.writeFile('/etc/puppet/puppetdb.conf', `[main]\nserver_urls = https://${SERVER.name}:8081\n`);
  box.writeFile(
    '/etc/puppet/routes.yaml',
    '---\nserver:\n  facts:\n    terminus: puppetdb\n    cache: yaml\n',
  );
  box.writeFile(
    '/etc/default/puppetserver',
    `JAVA_ARGS="-Xms512m -Xmx768m ${JAVA} -Djruby.logger.class=com.puppetlabs.jruby_utils.jruby.Slf4jLogger"\n`,
  );
  for (const unit of ['puppetserver', 'puppetdb'])
    box.writeFile(`/etc/systemd/system/${unit}.service.d/patience.conf`, '[Service]\nTimeoutStartSec=900\n');
  box.writeFile('/etc/default/puppetdb', `JAVA_ARGS="-Xmx256m ${JAVA}"\n`);
  box.writeFile(
    '/etc/puppetdb/conf.d/database.ini',
    '[database]\nsubname = //localhost:5433/puppetdb\nusername = puppetdb\npassword = puppetdb\n',
  );
  box.writeFile(
    '/etc/puppetdb/conf.d/jetty.ini',
    `[jetty]
host = 127.0.0.1
port = 8080
ssl-host = 0.0.0.0
ssl-port = 8081
ssl-key = /etc/puppetdb/ssl/key.pem
ssl-cert = /etc/puppetdb/ssl/cert.pem
ssl-ca-cert = /etc/puppetdb/ssl/ca.pem
`,
  );
}

/** Has Puppet Server read its environments again, as a deployment does where `environment_timeout` is `unlimited`. */
const FORGET = [
  ...['--request', 'DELETE', `https://${SERVER.name}:8140/puppet-admin-api/v1/environment-cache`],
  ...['--cert', `${SSL}/certs/${SERVER.name}.pem`, '--key', `${SSL}/private_keys/${SERVER.name}.pem`],
  ...['--cacert', `${SSL}/certs/ca.pem`],
];

/** Lets the server's own certificate do so. */
const RULE =
  '{ match-request: { path: "/puppet-admin-api/v1/environment-cache", type: path, method: delete },' +
  ` allow: "${SERVER.name}", sort-order: 500, name: "environment cache" }`;

const PREPARE = `
cd /
systemctl daemon-reload
sed -i "s/\\[%t\\]/[%t{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}]/" ${REQUEST_LOGGING} # to the millisecond
sed -i '0,/rules: \\[/s##&\\n${RULE},#' /etc/puppet/puppetserver/conf.d/auth.conf
puppetserver ca setup
install --directory --owner=puppetdb --group=puppetdb --mode=0750 /etc/puppetdb/ssl
install --owner=puppetdb --mode=0600 ${SSL}/private_keys/${SERVER.name}.pem /etc/puppetdb/ssl/key.pem
install --owner=puppetdb --mode=0600 ${SSL}/certs/${SERVER.name}.pem /etc/puppetdb/ssl/cert.pem
install --owner=puppetdb --mode=0600 ${SSL}/certs/ca.pem /etc/puppetdb/ssl/ca.pem
pg_createcluster --port=5433 15 fleet
systemctl start postgresql@15-fleet
su postgres -c 'psql --quiet --port=5433' <<END
CREATE ROLE puppetdb LOGIN PASSWORD 'puppetdb';
CREATE DATABASE puppetdb OWNER puppetdb ENCODING utf8 TEMPLATE template0;
\\c puppetdb
CREATE EXTENSION pg_trgm;
END
`;

const HIERA = `---
version: 5
hierarchy:
  - name: all
    path: all.yaml
    data_hash: yaml_data
    datadir: data
`;

const QUERY = `
answer = Net::HTTP.post(URI(ARGV[0]), { query: ARGV[1] }.to_json, 'Content-Type' => 'application/json')
abort("#{answer.code}: #{answer.body}") unless answer.code == '200'
puts answer.body
`;
