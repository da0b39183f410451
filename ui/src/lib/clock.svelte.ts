// The wall clock as state, for what counts up or down on screen.

/** A clock that moves every so many milliseconds while its component lives. */
export function ticking(everyMs: number): { readonly now: number } {
  let now = $state(Date.now());
  $effect(() => {
    const timer = setInterval(() => (now = Date.now()), everyMs);
    return () => { clearInterval(timer); };
  });
  return {
    get now() {
      return now;
    },
  };
}
