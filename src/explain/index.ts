export { explainPacket, NoSuchQuestion, type Explanation, type ExplainPlace } from './explanation.js';
