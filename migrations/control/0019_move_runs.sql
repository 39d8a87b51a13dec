-- Which run of the operator's command drives a move. A later run takes it over, and what the earlier one still does
-- is then refused: of two, one alone can lead an organisation to its new place.
ALTER TABLE control.placement_moves ADD COLUMN run uuid;
