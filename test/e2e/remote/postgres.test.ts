import { PostgresTrialServer } from '../../state/trial-servers.ts';
import { programTrials } from './program-trials.ts';

programTrials(new PostgresTrialServer());
