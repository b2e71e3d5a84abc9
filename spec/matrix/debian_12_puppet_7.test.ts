import { matrix } from './matrix.ts';

matrix('debian_12_puppet_7');
