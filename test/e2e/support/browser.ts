import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from "playwright-core";
import { findOrInstallChromium } from "../../../scripts/test/chromium.ts";

/** Chromium takes the last list that it is given, so what Playwright switches off is said again. */
const playwrightsOwn = [
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsUpgrades",
  "HttpsFirstBalancedModeAutoEnable",
  "LensOverlay",
  "MediaRouter",
  "PaintHolding",
  "ThirdPartyStoragePartitioning",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "OptimizationHints",
  "NetworkTimeServiceQuerying",
  "AimEnabled",
  "PreconnectToSearch",
];
/**
 * In a window that nobody sees, the address bar keeps its list ready as a web page in a process of its own, and each page
 * that is opened makes another process ready for the next one: together two thirds of the work of a new page.
 */
const unseen = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess"];

const browserFlags = [
  `--disable-features=${[...playwrightsOwn, ...unseen].join(",")}`,
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long a page may take to show what it is waited for, in milliseconds; no claim about speed. */
const waitMsMax = 120_000;

/**
 * A headless Chromium, found or installed. Its people want less motion, unless a page is opened otherwise: what fades in
 * is sixty pictures a second that no test looks at.
 */
export async function launchBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: await findOrInstallChromium(), args: browserFlags });
  browser.on("context", (context) => context.setDefaultTimeout(waitMsMax));
  const { newContext, newPage } = browser;
  browser.newContext = (options) => newContext.call(browser, { reducedMotion: "reduce", ...options });
  browser.newPage = (options) => newPage.call(browser, { reducedMotion: "reduce", ...options });
  return browser;
}

/** Everything that pages complained of: a page that works complains of nothing. */
export class Complaints {
  readonly all: string[] = [];

  /** Listens to a page. @param expected what a refusal on purpose makes the browser log */
  watch(page: Page, expected: RegExp = /(?!)/): void {
    page.on("console", (message) => {
      const said = message.type() === "error" || message.type() === "warning";
      const text = `${message.text()} (${message.location().url})`;
      if (said && !expected.test(text)) this.all.push(`${page.url()}: ${text}`);
    });
    page.on("pageerror", (error) => this.all.push(`${page.url()}: ${error.message}`));
  }
}

/** A platform authenticator that verifies its user by itself, as a fingerprint reader would (WebAuthn §11). */
export interface VirtualAuthenticator {
  readonly credentials: () => Promise<number>;
  /** Whether somebody is there to touch it. */
  readonly present: (present: boolean) => Promise<void>;
}

/** Gives a page one; its private keys stay in the browser's process. */
export async function addAuthenticator(context: BrowserContext, page: Page): Promise<VirtualAuthenticator> {
  const cdp: CDPSession = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    credentials: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials.length,
    present: async (enabled) => {
      await cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
    },
  };
}

/** Fills the sign-in page that is open and presses its button. */
export async function signInByPassword(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}
