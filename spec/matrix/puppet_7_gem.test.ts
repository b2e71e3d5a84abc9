import { matrix } from './matrix.ts';

matrix('puppet_7_gem');
