/**
 * Formulas of TeX as MathML. Owns temml; nothing of a formula becomes HTML, an address or a style
 * sheet.
 */
import 'temml/dist/Temml-Local.css';
import temml from 'temml';

/** In em and in points, for what a formula may ask for: it comes from a model. */
const LARGEST: [number, number] = [20, 300];
const MOST_MACROS = 200;

/**
 * Draws the formula into the element. @returns whether it is one; otherwise the element is left
 * empty.
 */
export function drawFormula(element: HTMLElement, tex: string, isDisplay: boolean): boolean {
  try {
    temml.render(tex, element, {
      displayMode: isDisplay,
      throwOnError: true,
      trust: false,
      strict: false,
      maxSize: LARGEST,
      maxExpand: MOST_MACROS,
    });
    return true;
  } catch {
    element.replaceChildren();
    return false;
  }
}
