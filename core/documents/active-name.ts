/**
 * Names that make a program run what is in a file, whatever its bytes are: what is opened from a disk is opened by its
 * ending. A text named `letter.html` is a page with scripts there, and one named `grades.bat` a program.
 */

const pages = "html? xhtml xht shtml mht mhtml svgz? swf hta chm url website webloc desktop";
const scripts = "m?js cjs jse vbs vbe wsf wsh wsc sct bat cmd btm ps1 psm1 psd1 ps1xml psc1 ahk au3 scpt command";
const programs = "exe com scr pif cpl dll ocx sys drv msi msp mst msix(bundle)? appx(bundle)? appinstaller application";
const others = "gadget jar jnlp class apk dex lnk scf inf reg rdp msc diagcab library-ms search-ms settingcontent-ms";
/** Office programs run what is in these, or believe of them what they say. */
const office =
  "(doc|dot|xls|xlt|ppt|pot|pps|ppa|xla|sld)m xlam? xll xlw slk iqy oqy rqy dqy odc wll wiz ade mde accd[aer] one";
/** What shows as a folder and hides from whoever looks at where a file came from. */
const images = "iso img vhdx? udf dmg";

/** Dots and blanks behind an ending are dropped where it counts. For Postgres, too, which knows `\.` and `$` alike. */
export const activeNamePattern: string = `\\.(${[pages, scripts, programs, others, office, images]
  .join(" ")
  .replaceAll(" ", "|")})[. ]*$`;

const pattern = new RegExp(activeNamePattern, "i");

/** True for a name by which a program would run it. */
export const runsByItsName = (name: string): boolean => pattern.test(name);
