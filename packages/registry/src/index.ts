export { ConfigError, didYouMean, isConfigError, join, type ConfigIssue } from './config-error.js';
export { explain, show, unknownKey } from './issues.js';
export { registry, type Checked, type Entry, type Inspection, type Registry } from './registry.js';
export { keysAt } from './schema-walk.js';
export { nearest, remedyFor, suggest } from './suggest.js';
