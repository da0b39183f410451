// Whether nobody has touched the window for a while, so that controls may step aside.

/** Without pointer or key for this long, controls step aside. */
export const IDLE_MS = 3000;

/** Watches a part of the window; never idle while a control in it has focus or a menu is open. */
export function idleness(root: () => HTMLElement | undefined): { readonly idle: boolean; wake(): void } {
  let idle = $state(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isHeld = (): boolean => root()?.querySelector(':focus-visible, :popover-open') !== null;

  function wake(): void {
    idle = false;
    clearTimeout(timer);
    timer = setTimeout(rest, IDLE_MS);
  }

  function rest(): void {
    if (isHeld()) wake();
    else idle = true;
  }

  $effect(() => {
    const events = ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const;
    for (const event of events) window.addEventListener(event, wake);
    wake();
    return () => {
      clearTimeout(timer);
      for (const event of events) window.removeEventListener(event, wake);
    };
  });

  return {
    get idle() {
      return idle;
    },
    wake,
  };
}
