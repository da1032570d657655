// The admin's page of a transcript: a time in the text plays the recording from there. Without this, it opens it there.
const sound = document.getElementById("sound");

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-ms]");
  if (!link || !sound || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  sound.currentTime = Number(link.dataset.ms) / 1000;
  sound.play().catch(() => sound.focus());
});
