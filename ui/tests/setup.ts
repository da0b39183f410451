import '@testing-library/jest-dom/vitest';

// jsdom knows the elements but neither modality nor canvases.
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.open = true;
};
HTMLCanvasElement.prototype.getContext = () => null;
HTMLElement.prototype.hidePopover ??= () => undefined;
Element.prototype.scrollIntoView ??= () => undefined;
Element.prototype.scrollTo ??= () => undefined;
