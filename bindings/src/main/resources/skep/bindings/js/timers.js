// What a host of scripts usually has: timers, which run when the script has come to its end.
(() => {
const sleep = millis => skepBridge.skep().sleep(millis);
const timers = new Map();
let nextTimer = 1;
function schedule(callback, millis, again, rest) {
  timers.set(nextTimer, {callback, due: Date.now() + (Number(millis) || 0), every: again ? Math.max(1, Number(millis) || 0) : 0, rest});
  return nextTimer++;
}
globalThis.setTimeout ??= (callback, millis = 0, ...rest) => schedule(callback, millis, false, rest);
globalThis.setInterval ??= (callback, millis = 0, ...rest) => schedule(callback, millis, true, rest);
globalThis.clearTimeout ??= timer => { timers.delete(timer); };
globalThis.clearInterval ??= globalThis.clearTimeout;
/** Runs timers until none is left. */
globalThis.skepTimers = async () => {
  while (timers.size > 0) {
    const [id, timer] = [...timers].reduce((a, b) => b[1].due < a[1].due ? b : a);
    sleep(Math.max(0, timer.due - Date.now()));
    if (timer.every > 0) timer.due += timer.every; else timers.delete(id);
    timer.callback(...timer.rest);
    await null;
  }
};
})();
