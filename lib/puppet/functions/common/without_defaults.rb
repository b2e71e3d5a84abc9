# frozen_string_literal: true

# @summary Keeps a site's resource defaults away from a resource of this module: each attribute that has one here, as `undef`.
#
# Puppet looks for defaults when it makes a resource, in the scope of the resource, and leaves alone what is set explicitly, as `undef` too
# (`Puppet::Parser::Resource#initialize`). So only those in effect at this point need to be named; to name every attribute of a type each time would
# cost a catalog more than all else in this module. `audit`, `noop`, `schedule` and `tag` are left out: with these, a site says what is to become of
# all its resources.
#
# @example An exec that is the same wherever it is declared
#   exec {
#     default:
#       * => common::without_defaults('Exec'),
#     ;
#
#     '/bin/true':
#       refreshonly => true,
#     ;
#   }
#
# @api private
Puppet::Functions.create_function(:'common::without_defaults', Puppet::Functions::InternalFunction) do
  # @param type
  #   The type of the resource.
  # @return
  #   `undef` for each attribute.
  dispatch :without_defaults do
    scope_param
    param "Enum['Exec', 'File']", :type
    return_type 'Hash[String, Undef]'
  end

  def without_defaults(scope, type)
    attributes = scope.lookupdefaults(type).keys - %i[audit noop schedule tag]
    attributes.map(&:to_s).product([nil]).to_h
  end
end
