# frozen_string_literal: true

# Loaded by RUBYOPT: what an installed catalogue of messages does to the title of a daemon's run.
module Puppet
  class Agent
    private

    def _(text, *rest)
      return super unless text == 'puppet agent: applying configuration'

      "Puppet-Agent: die Konfiguration wird angewandt#{', noch immer' * 400}"
    end
  end
end
