import { S3TrialServer } from '../../state/trial-servers.ts';
import { programTrials } from './program-trials.ts';

programTrials(new S3TrialServer());
