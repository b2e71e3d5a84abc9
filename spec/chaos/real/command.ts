import type fc from 'fast-check';
import type { Sequence } from './sequence.ts';
import type { Step } from './steps.ts';

/** The obstacles by now: a step that would change nothing is left out. */
export interface Model {
  disabled: boolean;
  full: boolean;
}

/** A step as fast-check wants its commands; it shrinks a sequence by leaving some out. */
export class Command implements fc.AsyncCommand<Model, Sequence> {
  readonly step: Step;
  constructor(step: Step) {
    this.step = step;
  }
  check({ disabled, full }: Readonly<Model>): boolean {
    if (this.step.do === 'enable') return disabled;
    return this.step.do !== 'free' || full;
  }
  async run(model: Model, sequence: Sequence): Promise<void> {
    const { do: what } = this.step;
    if (what === 'disable' || what === 'enable') model.disabled = what === 'disable';
    if (what === 'fill' || what === 'free') model.full = what === 'fill';
    await sequence.take(this.step);
  }
  toString(): string {
    return JSON.stringify(this.step);
  }
}
