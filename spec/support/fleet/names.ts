/** The server of a fleet, and its PuppetDB: both in one container. */
export const SERVER = { name: 'puppet.example.test', address: '10.77.0.1' } as const;

/** A host of a fleet: its name's first part, and its place in the network. */
export interface Place {
  readonly host: string;
  readonly address: string;
}

/** So many hosts: node1, node2 … */
export function places(count: number): Place[] {
  return Array.from({ length: count }, (_, index) => ({
    host: `node${index + 1}`,
    address: `10.77.0.${11 + index}`,
  }));
}

export function certname(host: string): string {
  return `${host}.example.test`;
}
