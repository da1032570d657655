// While the page shows older rows, new ones wait; once the newest rows are in the page, they are put under them.
import { indexOf } from "./passage.js";
import { fill } from "./rows.js";

/** What is older is in the pages of the server by the time it is asked for. */
const KEPT = 500;

export class Waiting {
  /** Of each: its row and number, and the sound from `start` to `end` in ms. */
  #kept = [];

  keep(entry) {
    this.#kept.push(entry);
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  /** A correction of a row that waits. */
  revise(data) {
    const { segment, version, gone = [] } = data;
    const index = ({ row }) => (row.matches(".line") ? indexOf(row) : null);
    const entry = this.#kept.find((each) => index(each) === segment);
    if (entry && version !== undefined) fill(entry.row, data);
    this.#kept = this.#kept.filter((each) => !gone.includes(index(each)));
  }

  /** Those numbered above `last`; none waits any more. */
  take(last) {
    return this.#kept.splice(0).filter(({ seq }) => seq > last);
  }
}
