// Whether the call takes the whole screen.

/** Follows the page's full screen; what it brought on ends with its component. */
export function fullScreen(): { readonly possible: boolean; readonly on: boolean; toggle(): void } {
  const isOn = (): boolean => Boolean(document.fullscreenElement);
  let on = $state(isOn());

  $effect(() => {
    const look = (): void => void (on = isOn());
    document.addEventListener('fullscreenchange', look);
    return () => {
      document.removeEventListener('fullscreenchange', look);
      if (isOn()) document.exitFullscreen().catch(console.error);
    };
  });

  return {
    possible: document.fullscreenEnabled,
    get on() {
      return on;
    },
    // The whole page, so that controls and notices stay upon it.
    toggle() {
      (isOn() ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(console.error);
    },
  };
}
