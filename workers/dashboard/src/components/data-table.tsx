import { Table } from "@cloudflare/kumo/components/table";
import type { ReactNode } from "react";

export interface Column<T> {
  readonly header: string;
  readonly cell: (row: T) => ReactNode;
  /** Extra classes of the cells; `hidden md:table-cell` leaves a column out on small screens. */
  readonly className?: string;
  /** The header is there for assistive technology alone. */
  readonly quiet?: boolean;
  readonly align?: "end";
}

/** A table named for its content; it scrolls within itself rather than widening the page. */
export function DataTable<T>(props: {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
}) {
  return (
    <div className="overflow-x-auto rounded-xl bg-kumo-base ring ring-kumo-hairline">
      <Table aria-label={props.label} className="w-full">
        <Table.Header variant="compact">
          <Table.Row>
            {props.columns.map(({ header, className, quiet }) => (
              <Table.Head key={header} className={`px-4 whitespace-nowrap ${className ?? ""}`}>
                {quiet === true ? <span className="sr-only">{header}</span> : header}
              </Table.Head>
            ))}
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {props.rows.map((row) => (
            <Table.Row key={props.rowKey(row)}>
              {props.columns.map(({ header, cell, className, align }) => (
                <Table.Cell key={header} className={`px-4 py-2 ${className ?? ""}`}>
                  {align === "end" ? <div className="flex justify-end">{cell(row)}</div> : cell(row)}
                </Table.Cell>
              ))}
            </Table.Row>
          ))}
        </Table.Body>
      </Table>
    </div>
  );
}
