import { matrix } from './matrix.ts';

matrix('debian_13_puppet_8');
