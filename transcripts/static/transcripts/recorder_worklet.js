// Runs in the browser's audio thread: what the microphone gives becomes 16 kHz, one channel, 16 bits, in pieces of 100 ms.

const RATE = 16000;
const PIECE = RATE / 10;

class Recorder extends AudioWorkletProcessor {
  #piece = new Int16Array(PIECE);
  #filled = 0;
  #peak = 0;
  #sum = 0;
  #weight = 0;
  #step = sampleRate / RATE;

  constructor() {
    super();
    this.port.onmessage = () => this.#post(true);
  }

  process([input]) {
    const sound = input[0];
    if (sound) for (const sample of sound) this.#take(sample);
    return true;
  }

  /** Every sample of ours is the mean of the stretch that it stands for; at 16 kHz that is the sample itself. */
  #take(sample) {
    let left = 1;
    while (this.#weight + left >= this.#step - 1e-9) {
      const part = this.#step - this.#weight;
      this.#put((this.#sum + sample * part) / this.#step);
      left -= part;
      this.#sum = this.#weight = 0;
    }
    this.#sum += sample * left;
    this.#weight += left;
  }

  #put(value) {
    this.#peak = Math.max(this.#peak, Math.abs(value));
    this.#piece[this.#filled++] = Math.max(-32768, Math.min(32767, Math.round(value * 32767)));
    if (this.#filled === PIECE) this.#post();
  }

  #post(last = false) {
    const bytes = this.#piece.buffer.slice(0, this.#filled * 2);
    this.port.postMessage({ bytes, peak: this.#peak, last }, [bytes]);
    this.#filled = this.#peak = 0;
  }
}

registerProcessor("recorder", Recorder);
