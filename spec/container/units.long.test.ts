import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AGAIN, amongFirst, delta, openSite, type Site, said } from './site.ts';

/** As units.test.ts, with start limits, which end only by time. */
describe('a run in a oneshot unit', { retry: 0 }, () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  it('is started again so seldom that its unit never reaches its start limit', async () => {
    site.manifest('limited', { when: amongFirst(3, 'limited') });
    await site.timer('limited', [
      'PrivateTmp=yes',
      '[Unit]',
      'StartLimitIntervalSec=45', // longer than two runs on a slow machine
      'StartLimitBurst=2',
    ]);
    const runs = await site.settled('limited', 4);
    expect(await site.activations('limited')).toEqual(runs.map(({ invocation }) => invocation));
    const journal = await site.journal('limited.service');
    expect(said(journal).map((line) => /\(rerun (\d+) in a row/.exec(line)?.[1])).toEqual([
      undefined,
      '2',
      '3',
    ]);
    expect(journal).not.toMatch(/start-limit-hit|repeated too quickly/);
    expect(await site.sh('journalctl -t again -o cat')).toContain(
      'one more start of limited.service could reach its start limit (StartLimitBurst=2)',
    );
  });

  it('is held while somebody else has brought its unit to its start limit', async () => {
    site.manifest('exhausted', delta('later', 12));
    await site.timer('exhausted', [
      'PrivateTmp=yes',
      '[Unit]',
      'StartLimitIntervalSec=80', // longer than two runs on a slow machine
      'StartLimitBurst=2',
    ]);
    await site.waiter();
    await site.until('its end', async () => /Deactivated/.test(await site.journal('exhausted.service')));
    await site.sh('systemctl start exhausted.service; systemctl start exhausted.service || :');
    await site.until('the status to say so', async () =>
      /systemd has reached the start limit of exhausted\.service/.test(
        await site.sh(`${AGAIN}/again status`),
      ),
    );
    expect(site.runs('exhausted')).toHaveLength(2);
    await site.sh('systemctl reset-failed exhausted.service');
    await site.settled('exhausted', 3);
  });
});
