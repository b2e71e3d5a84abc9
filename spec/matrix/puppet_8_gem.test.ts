import { matrix } from './matrix.ts';

matrix('puppet_8_gem');
