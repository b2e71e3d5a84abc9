import { expectOneRerun } from '../expect-one-rerun.ts';
import type { Way } from './way.ts';

const UNIT = 'nightly-run';

export const onetimeInTimer: Way = {
  title: '`puppet agent --onetime` in a oneshot unit, started by a timer',
  fast: true,
  async run(cell) {
    await cell.at.serve(cell.manifest());
    const command = `${cell.generation.puppet.command} agent --onetime --no-daemonize --verbose --color=false`;
    const environment = Object.entries(cell.marker).map(([name, value]) => `"${name}=${value}"`);
    const service = ['[Service]', 'Type=oneshot', `ExecStart=${command}`, `Environment=${environment}`, ''];
    cell.box.writeFile(`/etc/systemd/system/${UNIT}.service`, service.join('\n'));
    cell.box.writeFile(`/etc/systemd/system/${UNIT}.timer`, '[Timer]\nOnActiveSec=100ms\nAccuracySec=10ms\n');
    await cell.at.sh(`systemctl daemon-reload && systemctl restart ${UNIT}.timer`);

    const ended = async () =>
      /Deactivated successfully|Succeeded\./.test(await cell.journal(`--unit=${UNIT}.service`));
    await cell.until('the end of the unit', ended);
    await expectOneRerun(cell, {
      // Not what it has written to syslog besides.
      output: await cell.journal(`_SYSTEMD_UNIT=${UNIT}.service`, '_TRANSPORT=stdout'),
      command: 'agent',
      group: /^\/system\.slice\/again-[\w-]+\.scope$/,
    });
  },
};
