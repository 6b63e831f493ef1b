const ROLLED = `select r.* from redemptions r join rollups u on u.group_id = r.group_id and r.created_at < u.rolled_to`;

/** What must hold between rollups and the redemptions they have counted, each answering the groups that break it. */
export const ROLLUP_RULES: Record<string, string> = {
  'a rollup has passed over settled redemptions alone': `
    select group_id as id, format('redemption %s is reserved', id) as detail from (${ROLLED}) r where state = 'reserved'`,
  'a rollup adds up redemptions and codes': `
    select u.group_id as id, format('reversed, places, codes used and in part, redeemers: %s; its redemptions: %s',
      (u.reversed, u.places_redeemed, u.codes_used, u.codes_partly_used, u.redeemers),
      (coalesce(r.reversed, 0), coalesce(c.spent, 0), coalesce(c.used, 0), coalesce(c.partly_used, 0),
        coalesce(r.redeemers, 0))) as detail
    from rollups u
    left join (
      select group_id, count(*) filter (where state = 'reversed') as reversed,
        count(distinct wallet_id) filter (where state = 'completed') as redeemers
      from (${ROLLED}) r group by group_id
    ) r on r.group_id = u.group_id
    left join (
      select s.group_id, sum(s.spent) as spent, count(*) filter (where s.spent >= c.max_redemptions) as used,
        count(*) filter (where s.spent < c.max_redemptions) as partly_used
      from (
        select group_id, code_id, count(*) as spent from (${ROLLED}) r where state = 'completed' or place_kept group by 1, 2
      ) s
      join codes c on c.id = s.code_id
      group by s.group_id
    ) c on c.group_id = u.group_id
    where (u.reversed, u.places_redeemed, u.codes_used, u.codes_partly_used, u.redeemers) is distinct from
      (coalesce(r.reversed, 0), coalesce(c.spent, 0), coalesce(c.used, 0), coalesce(c.partly_used, 0),
        coalesce(r.redeemers, 0))`,
  'a rollup adds up quarters of an hour': `
    select coalesce(q.group_id, r.group_id) as id, format('%s: %s; its redemptions: %s', coalesce(q.quarter, r.quarter),
      (q.completed, q.credited, q.first_settled_at, q.last_settled_at),
      (r.completed, r.credited, r.first_settled_at, r.last_settled_at)) as detail
    from (select * from rollup_quarters where completed > 0) q
    full join (
      select group_id, quarter_1(settled_at) as quarter,
        count(*) as completed, sum(amount) as credited, min(settled_at) as first_settled_at,
        max(settled_at) as last_settled_at, min(created_at) as created_from, max(created_at) as created_to
      from (${ROLLED}) r where state = 'completed' group by 1, 2
    ) r on r.group_id = q.group_id and r.quarter = q.quarter
    where (q.completed, q.credited, q.first_settled_at, q.last_settled_at) is distinct from
      (r.completed, r.credited, r.first_settled_at, r.last_settled_at)
      or q.created_from > r.created_from or q.created_to < r.created_to`,
  'a rollup adds up what each wallet redeemed': `
    select coalesce(w.group_id, r.group_id) as id, format('wallet %s: %s; its redemptions: %s',
      coalesce(w.wallet_id, r.wallet_id), (w.completed, w.last_settled_at), (r.completed, r.last_settled_at)) as detail
    from rollup_redeemers w
    full join (
      select group_id, wallet_id, count(*) as completed, max(settled_at) as last_settled_at
      from (${ROLLED}) r where state = 'completed' group by 1, 2
    ) r on r.group_id = w.group_id and r.wallet_id = w.wallet_id
    where (w.completed, w.last_settled_at) is distinct from (r.completed, r.last_settled_at)`,
  'a rollup adds up the codes of each block': `
    select coalesce(b.group_id, r.group_id) as id, format('from %s on: %s; its redemptions: %s',
      coalesce(b.first_position, r.first_position), (b.codes_touched, b.codes_used), (r.codes_touched, r.codes_used)) as detail
    from (select * from rollup_blocks where codes_touched > 0) b
    full join (
      select s.group_id, block_1(c.position) as first_position, count(*) as codes_touched,
        count(*) filter (where s.spent >= c.max_redemptions) as codes_used
      from (
        select group_id, code_id, count(*) as spent from (${ROLLED}) r where state = 'completed' or place_kept group by 1, 2
      ) s
      join codes c on c.id = s.code_id
      group by 1, 2
    ) r on r.group_id = b.group_id and r.first_position = b.first_position
    where (b.codes_touched, b.codes_used) is distinct from (r.codes_touched, r.codes_used)`,
  'a rollup adds up the uses of each code that has more than one': `
    select coalesce(u.group_id, r.group_id) as id, format('code %s: %s; its redemptions: %s',
      coalesce(u.code_id, r.code_id), coalesce(u.spent, 0), coalesce(r.spent, 0)) as detail
    from rollup_uses u
    full join (
      select r.group_id, r.code_id, count(*) as spent
      from (${ROLLED}) r join codes c on c.id = r.code_id and c.max_redemptions > 1
      where r.state = 'completed' or r.place_kept group by 1, 2
    ) r on r.group_id = u.group_id and r.code_id = u.code_id
    where coalesce(u.spent, 0) <> coalesce(r.spent, 0)`,
};
