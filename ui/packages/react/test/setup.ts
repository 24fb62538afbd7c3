import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// jsdom has no dialogs, no clipboard and no layout; what a test needs of them is this.
HTMLDialogElement.prototype.showModal = function show() {
  this.open = true;
};
HTMLDialogElement.prototype.close = function close() {
  this.open = false;
};

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
