// On a narrow screen each row of a wide table is a block: style.css then writes before each cell
// the heading of its column, which is found here.
for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
  const headings = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent.trim())
  for (const row of table.querySelectorAll("tbody tr")) {
    ;[...row.cells].forEach((cell, column) => {
      if (headings[column]) cell.dataset.heading = headings[column]
    })
  }
}
