export { explainPacket, NoSuchQuestion, possibleEnds, type Explanation, type ExplainPlace } from './explanation.js';
