import { campaign } from './random-campaign.js';

campaign('v4');
