
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const address = document.getElementById(button.dataset.copy);
    getSelection().selectAllChildren(address);
    try {
      await navigator.clipboard.writeText(address.textContent);
    } catch {
      document.execCommand("copy"); // the clipboard interface is for https only
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
