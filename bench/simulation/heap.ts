/** A queue that gives out the least first; of equals the one that came first. */
export interface Heap<T> {
  readonly size: number;
  push(key: number, value: T): void;
  least(): number | undefined;
  pop(): T | undefined;
}

export function createHeap<T>(): Heap<T> {
  const items: { key: number; order: number; value: T }[] = [];
  let order = 0;
  const before = (a: number, b: number) => {
    const [left, right] = [items[a], items[b]];
    if (!left || !right) return false;
    return left.key < right.key || (left.key === right.key && left.order < right.order);
  };
  const swap = (a: number, b: number) => {
    const kept = items[a] as (typeof items)[number];
    items[a] = items[b] as (typeof items)[number];
    items[b] = kept;
  };
  return {
    get size() {
      return items.length;
    },
    least: () => items[0]?.key,
    push(key, value) {
      items.push({ key, order, value });
      order += 1;
      for (let at = items.length - 1; at > 0 && before(at, (at - 1) >> 1); at = (at - 1) >> 1)
        swap(at, (at - 1) >> 1);
    },
    pop() {
      const [first] = items;
      const last = items.pop();
      if (!first || !last || items.length === 0) return first?.value;
      items[0] = last;
      for (let at = 0; ; ) {
        const child = before(2 * at + 2, 2 * at + 1) ? 2 * at + 2 : 2 * at + 1;
        if (!before(child, at)) return first.value;
        swap(child, at);
        at = child;
      }
    },
  };
}
