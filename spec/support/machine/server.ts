import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from '../wait.ts';
import type { Node, Started } from './node.ts';
import type { Puppet } from './world.ts';

/** A Puppet Server on the loopback address, with all its folders below one. */
export interface PuppetServer {
  readonly pid: number;
  readonly port: number;
  readonly certname: string;
  /** The requests that it got so far, and how many bytes it sent for each, by its access log. */
  requests(): Promise<readonly Request[]>;
  /** Its log so far, of catalogs among others. */
  log(): Promise<string>;
  /** The folder behind `puppet:///files/`, a mount of fileserver.conf. */
  readonly mount: string;
  /** A folder with the certificate of `certname`, for an agent to copy. */
  readonly agentSsl: string;
  /** The folder of an environment's own modules. */
  modulesOf(environment: string): string;
  /** Adds an environment, or replaces its manifest, which the server reads again for each catalog, unless it may keep it (from the next one on). */
  environment(name: string, manifest: string, hieraData?: string, timeout?: Timeout): Promise<void>;
  stop(): Promise<void>;
}

/** Puppet's `environment_timeout`: 0 reads all manifests and functions again for each catalog, `unlimited` once. */
export type Timeout = '0' | 'unlimited';

export interface Request {
  /** `GET /puppet/v3/file_content/modules/common/…?environment=production&…` */
  readonly line: string;
  readonly bytes: number;
}

const java =
  'java -Xms512m -Xmx768m -XX:+UseSerialGC -Djruby.logger.class=com.puppetlabs.jruby_utils.jruby.Slf4jLogger';

/** The purpose of a server. The quick compiler alone halves the work of a start: few catalogs are worth the thorough one, and JRuby's. */
const kinds = {
  'few catalogs': { java: `${java} -XX:TieredStopAtLevel=1`, compileMode: 'off', isStatic: false },
  'many catalogs': { java, compileMode: 'jit', isStatic: false }, // Puppet Server's defaults
  // As Puppet Enterprise's: while it compiles, it looks at every file that a `puppet:///` URL names, and sends its metadata along.
  'static catalogs': { java: `${java} -XX:TieredStopAtLevel=1`, compileMode: 'off', isStatic: true },
};

export type ServerKind = keyof typeof kinds;

/** Starts one and waits until an agent has got a catalog from it: about half a minute on a quiet machine. */
export async function startServer(
  node: Node,
  puppet: Puppet,
  dir: string,
  module: string,
  kind: ServerKind = 'few catalogs',
): Promise<PuppetServer> {
  const at = (...names: string[]) => join(dir, ...names);
  const port = await freePort();
  const certname = `agent-${randomInt(1e9)}.example`;
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: dir, WORLD: dir };
  const must = async (...argv: string[]) => {
    const { code, output } = await node.exec({ argv, cwd: dir, env, seconds: 300 });
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${output}`);
  };
  const environment: PuppetServer['environment'] = async (
    name,
    manifest,
    hieraData = '--- {}\n',
    timeout = '0',
  ) => {
    const folder = at('code/environments', name);
    await node.files.makeFolder(join(folder, 'manifests'));
    await node.files.makeFolder(join(folder, 'data'));
    await node.files.write(join(folder, 'hiera.yaml'), environmentHiera);
    await node.files.write(join(folder, 'data/all.yaml'), hieraData);
    await node.files.write(join(folder, 'manifests/site.pp'), manifest);
    await node.files.write(join(folder, 'environment.conf'), `environment_timeout = ${timeout}\n`);
  };

  for (const folder of ['conf', 'code/modules', 'var', 'log', 'run']) await node.files.makeFolder(at(folder));
  await node.files.link(module, at('code/modules/common'));
  await node.files.makeFolder(at('files'));
  await node.files.write(at('conf/fileserver.conf'), `[files]\npath ${at('files')}\n`);
  await environment('production', "notify { 'here': }\n");
  await must('cp', '-r', '/etc/puppet/puppetserver', at('jetty'));
  await must('sed', '-i', `s#/etc/puppet/puppetserver/#${at('jetty')}/#`, at('jetty/conf.d/global.conf'));
  await must('sed', '-i', `s#/var/log/puppetserver/#${at('log')}/#`, at('jetty/logback.xml'));
  await must('sed', '-i', `s#/var/log/puppetserver/#${at('log')}/#`, at('jetty/request-logging.xml'));
  await node.files.write(at('jetty/conf.d/puppetserver.conf'), jrubyPuppet(dir, kinds[kind].compileMode));
  await node.files.write(at('jetty/conf.d/webserver.conf'), webServer(dir, port));
  if (kinds[kind].isStatic) {
    await node.files.write(at('jetty/conf.d/versioned-code.conf'), versionedCode(dir));
    await node.files.write(at('code-id'), '#!/bin/sh\necho one\n', 0o755);
    await node.files.write(
      at('code-content'),
      `#!/bin/sh\nexec cat "${at('code/environments')}/$1/$3"\n`,
      0o755,
    );
  }
  await node.files.write(at('conf/puppet.conf'), serverConf(dir, port));
  await must('puppetserver', 'ca', 'setup', '--config', at('conf/puppet.conf'));
  await node.files.write(at('run/restart'), '0');
  await must('chown', '-R', 'puppet:puppet', dir);

  const jar = '-Djruby.lib=/usr/share/jruby/lib -jar /usr/share/puppetserver/puppetserver.jar';
  const options = `--config ${at('jetty/conf.d')} --bootstrap-config ${at('jetty/services.d')}`;
  const server = await node.start({
    argv: [
      ...['setpriv', '--reuid=puppet', '--regid=puppet', '--clear-groups', '--inh-caps=-all'],
      ...`${kinds[kind].java} ${jar} ${options} --restart-file ${at('run/restart')}`.split(' '),
    ],
    cwd: dir,
    env,
    seconds: 3600,
  });
  await ready(node, server, at('run/restart'));

  // The first catalog is slow, and the certificate is needed anyway.
  const agentFolders = ['conf', 'var', 'log', 'run', 'public'].map((name) => at('first-agent', name));
  for (const folder of agentFolders) await node.files.makeFolder(folder);
  const [conf = '', vardir = '', logdir = '', rundir = '', publicdir = ''] = agentFolders;
  await node.files.write(join(conf, 'puppet.conf'), `[main]\npublicdir = ${publicdir}\n`);
  const firstAgent = [
    ...[
      puppet.command,
      'agent',
      '--onetime',
      '--no-daemonize',
      '--verbose',
      '--confdir',
      conf,
      '--vardir',
      vardir,
    ],
    ...['--logdir', logdir, '--rundir', rundir, '--ssldir', at('first-agent/ssl'), '--keylength', '2048'],
    ...['--certname', certname, '--server', 'localhost', '--serverport', String(port)],
  ];
  await must(...firstAgent);

  return {
    pid: server.pid,
    port,
    certname,
    requests: async () => readRequests((await node.files.read(at('log/puppetserver-access.log'))).toString()),
    log: async () => (await node.files.read(at('log/puppetserver.log'))).toString(),
    mount: at('files'),
    agentSsl: at('first-agent/ssl'),
    modulesOf: (name) => at('code/environments', name, 'modules'),
    environment,
    stop: async () => {
      await node.signal(server.pid, 'SIGKILL'); // nothing in it is worth a farewell of five seconds
      await server.ended.catch(() => {});
    },
  };
}

/** `HOST - NAME [TIME] "METHOD PATH HTTP/1.1" STATUS BYTES …` */
function readRequests(log: string): Request[] {
  return [...log.matchAll(/^[^"\n]*"(\S+ \S+) [^"\n]*" \d+ (\d+) /gm)].map(([, line = '', bytes]) => ({
    line,
    bytes: Number(bytes),
  }));
}

async function ready(node: Node, server: Started, restartFile: string): Promise<void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  server.ended.then(end, end);
  await until(
    'the Puppet Server to be ready',
    async () => {
      if (ended) throw new Error(`the Puppet Server has ended:\n${server.output()}`);
      return (await node.files.read(restartFile)).toString() === '1';
    },
    { seconds: 500, seen: () => server.output().slice(-3000) },
  );
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

const serverConf = (dir: string, port: number) => `[main]
confdir = ${dir}/conf
codedir = ${dir}/code
vardir = ${dir}/var
rundir = ${dir}/run
logdir = ${dir}/log
ssldir = ${dir}/ssl
certname = localhost
server = localhost
serverport = ${port}
autosign = true
keylength = 2048
[server]
cadir = ${dir}/ca
`;

const jrubyPuppet = (dir: string, compileMode: string) => `jruby-puppet: {
    ruby-load-path: [/usr/lib/puppetserver/ruby/vendor_ruby]
    gem-home: ${dir}/var/jruby-gems
    gem-path: [\${jruby-puppet.gem-home}, "/usr/lib/puppetserver/vendored-jruby-gems"]
    server-conf-dir: ${dir}/conf
    server-code-dir: ${dir}/code
    server-var-dir: ${dir}/var
    server-run-dir: ${dir}/run
    server-log-dir: ${dir}/log
    max-active-instances: 1
    compile-mode: ${compileMode}
}
`;

const versionedCode = (dir: string) => `versioned-code: {
    code-id-command: ${dir}/code-id
    code-content-command: ${dir}/code-content
}
`;

const webServer = (dir: string, port: number) => `webserver: {
    access-log-config: ${dir}/jetty/request-logging.xml
    client-auth: want
    ssl-host: 127.0.0.1
    ssl-port: ${port}
}
`;

const environmentHiera = `---
version: 5
hierarchy:
  - name: all
    path: all.yaml
    data_hash: yaml_data
    datadir: data
`;
