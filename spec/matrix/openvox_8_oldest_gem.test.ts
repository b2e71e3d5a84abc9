import { matrix } from './matrix.ts';

matrix('openvox_8_oldest_gem');
