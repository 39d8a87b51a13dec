import { countries, countryName } from "../../../format/countries.ts";

const width = 960;
/** Lambert's cylindrical equal-area projection at 37.5°: no country looks larger than it is beside another. */
const stretch = Math.cos((37.5 * Math.PI) / 180) ** 2;
const height = Math.round((width * 2) / (2 * Math.PI * stretch));
const xOf = (longitude: number): number => ((longitude + 180) / 360) * width;
const yOf = (latitude: number): number => ((1 - Math.sin((latitude * Math.PI) / 180)) / 2) * height;
/** Largest mark, in pixels; its area says how many requests there were. */
const radiusMax = 34;

/** Where the eye finds itself: seas of dots have no names. */
const regions: readonly (readonly [name: string, latitude: number, longitude: number])[] = [
  ["North America", 47, -97],
  ["South America", -20, -57],
  ["Africa", -3, 20],
  ["Asia", 52, 92],
  ["Australia", -31, 134],
];

export interface Mark {
  /** ISO 3166-1; one that is not on the map (`XX`, `T1`) is in the table alone. */
  readonly code: string;
  /** Its area, beside the others'. */
  readonly size: number;
  /** A class that fills it. */
  readonly colour: string;
  readonly title: string;
}

/** A dot for every country, and a mark on those that have something to show. A table beside it says the same in words. */
export function WorldMap(props: { readonly label: string; readonly marks: readonly Mark[] }) {
  const marks = new Map(props.marks.map((mark) => [mark.code, mark]));
  const most = Math.max(1, ...props.marks.map(({ size }) => size));
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      className="h-auto w-full rounded-lg bg-kumo-recessed"
      role="img"
      aria-label={props.label}
    >
      {[-60, -30, 0, 30, 60].map((latitude) => (
        <line key={latitude} x1={0} x2={width} y1={yOf(latitude)} y2={yOf(latitude)} className="stroke-kumo-hairline" />
      ))}
      {countries.map(({ code, latitude, longitude }) => (
        <circle
          key={code}
          cx={xOf(longitude)}
          cy={yOf(latitude)}
          r={2.5}
          className="fill-kumo-subtle"
          fillOpacity={0.5}
        >
          <title>{countryName(code)}</title>
        </circle>
      ))}
      {regions.map(([name, latitude, longitude]) => (
        <text
          key={name}
          x={xOf(longitude)}
          y={yOf(latitude)}
          textAnchor="middle"
          className="fill-kumo-subtle text-[15px]"
        >
          {name}
        </text>
      ))}
      {countries.map(({ code, latitude, longitude }) => {
        const mark = marks.get(code);
        if (mark === undefined) return null;
        const radius = Math.max(4, radiusMax * Math.sqrt(mark.size / most));
        const [x, y] = [xOf(longitude), yOf(latitude)];
        return (
          <g key={code}>
            <circle cx={x} cy={y} r={radius} className={`${mark.colour} stroke-kumo-base`} fillOpacity={0.75}>
              <title>{mark.title}</title>
            </circle>
            <text x={x + radius + 4} y={y + 5} className="fill-kumo-default text-[15px] font-medium">
              {countryName(code)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
