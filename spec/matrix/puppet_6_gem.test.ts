import { matrix } from './matrix.ts';

matrix('puppet_6_gem');
