// Imported first by whatever is started, or attached: where Backscroll cannot run, that is said before anything is loaded that would end
// the process without a word.

import { UserError } from "../errors.ts";
import { platformProblem, systemFacts } from "./platform.ts";

const problem = platformProblem(systemFacts());
if (problem !== undefined) throw new UserError(problem);
