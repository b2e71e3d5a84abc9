import { matrix } from './matrix.ts';

matrix('debian_11_puppet_5');
