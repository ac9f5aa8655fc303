// A sound for each verdict, if the officer wants one.

const TONES = { accept: [[660, 0.12], [880, 0.18]], refer: [[520, 0.15], [520, 0.15]], reject: [[300, 0.25], [220, 0.4]] };
let context = null;

export function play(verdict) {
  context ??= new AudioContext();
  context.resume(); // a context made before the first key or click is suspended
  let at = context.currentTime;
  for (const [hertz, seconds] of TONES[verdict] ?? []) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.2, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}
