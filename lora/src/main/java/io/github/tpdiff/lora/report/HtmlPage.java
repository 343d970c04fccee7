package io.github.tpdiff.lora.report;

/** Pages with everything in them, readable in light and dark: nothing is loaded from elsewhere. */
public final class HtmlPage {
  /** Lines of charts in Okabe and Ito's colours, which people with any colour vision tell apart. */
  private static final String STYLE =
      """
      :root { color-scheme: light dark; --ink: #222; --soft: #666; --rule: #ddd; --paper: #fff; --warn: #9a3b00 }
      @media (prefers-color-scheme: dark) {
        :root { --ink: #ddd; --soft: #999; --rule: #3a3a3a; --paper: #161616; --warn: #ffb07a }
      }
      body { font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em;
        color: var(--ink); background: var(--paper) }
      h1, h2 { line-height: 1.2 } h1 { overflow-wrap: anywhere }
      table { border-collapse: collapse; margin: 1em 0 }
      td, th { padding: .25em .8em; border-bottom: 1px solid var(--rule); text-align: right }
      td:first-child, th:first-child { text-align: left }
      .row { display: flex; flex-wrap: wrap; gap: 1em } figure { margin: 0 }
      figcaption { color: var(--soft); font-size: 13px }
      img, video { max-width: 100% } pre { overflow-x: auto; font-size: 13px }
      .big { font-size: 1.3em } .warn { color: var(--warn) }
      .chart { flex: 1 1 30em; min-width: 0 } .chart svg { width: 100%; height: auto; display: block }
      .chart > svg { overflow: visible }
      .chart text { fill: var(--soft); font-size: 11px } .chart .grid { stroke: var(--rule) }
      .chart polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round }
      .chart .faint { stroke-width: 1; opacity: .4 }
      .c0 { stroke: #0072b2; fill: #0072b2 } .c1 { stroke: #d55e00; fill: #d55e00 }
      .c2 { stroke: #009e73; fill: #009e73 } .c3 { stroke: #cc79a7; fill: #cc79a7 }
      .c4 { stroke: #e69f00; fill: #e69f00 } .c5 { stroke: #56b4e9; fill: #56b4e9 }
      .c6 { stroke: var(--ink); fill: var(--ink) } .c7 { stroke: #a89600; fill: #a89600 }
      .key { display: inline-block; margin-right: 1em; white-space: nowrap }
      .key svg { width: 10px; height: 10px; display: inline-block; margin-right: .3em }
      """;

  /** Colours that {@link #STYLE} has. */
  static final int COLOURS = 8;

  private HtmlPage() {}

  /**
   * A whole page.
   *
   * @param style rules beside those of every page
   * @param body as HTML
   */
  public static String of(String title, String style, String body) {
    return "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
        + "<meta name=\"viewport\" content=\"width=device-width\"><title>"
        + escaped(title)
        + "</title><style>"
        + STYLE
        + style
        + "</style>"
        + body
        + "</html>\n";
  }

  /** Any text as what it says, in elements and in attributes. */
  public static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
