import { Button } from "@cloudflare/kumo/components/button";
import { DropdownMenu } from "@cloudflare/kumo/components/dropdown";
import { DesktopIcon } from "@phosphor-icons/react/Desktop";
import { MoonIcon } from "@phosphor-icons/react/Moon";
import { SunIcon } from "@phosphor-icons/react/Sun";
import { chooseTheme, type ThemeChoice, themeChoices, useThemeChoice } from "../theme/theme.ts";

const choices = {
  system: { label: "System", icon: DesktopIcon },
  light: { label: "Light", icon: SunIcon },
  dark: { label: "Dark", icon: MoonIcon },
} as const;

/** Light, dark, or whatever the system says. */
export function ThemeMenu() {
  const choice = useThemeChoice();
  return (
    <DropdownMenu>
      <DropdownMenu.Trigger
        render={<Button variant="ghost" shape="square" icon={choices[choice].icon} aria-label="Theme" />}
      />
      <DropdownMenu.Content align="end">
        <DropdownMenu.RadioGroup value={choice} onValueChange={(value) => chooseTheme(value as ThemeChoice)}>
          {themeChoices.map((id) => (
            <DropdownMenu.RadioItem key={id} value={id} icon={choices[id].icon}>
              {choices[id].label}
              <DropdownMenu.RadioItemIndicator />
            </DropdownMenu.RadioItem>
          ))}
        </DropdownMenu.RadioGroup>
      </DropdownMenu.Content>
    </DropdownMenu>
  );
}
